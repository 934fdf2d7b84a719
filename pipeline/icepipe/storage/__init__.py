"""Files that last: atomic writes, fingerprints, the lock, the ledger."""

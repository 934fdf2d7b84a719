"""Files on disk: atomic writes, JSON documents, fingerprints, the lock and the ledger."""

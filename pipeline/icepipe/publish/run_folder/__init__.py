"""The run folder: paths, basis, records, provenance, manifest, verification."""

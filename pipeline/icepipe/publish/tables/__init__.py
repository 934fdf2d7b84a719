"""Tables and documents: CSV, Parquet, JSON."""

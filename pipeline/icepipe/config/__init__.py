"""The config file: sections, defaults, validation, loading."""

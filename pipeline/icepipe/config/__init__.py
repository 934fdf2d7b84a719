"""Define, read and validate the config file."""

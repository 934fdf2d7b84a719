"""The command line: parses arguments, calls the packages below, prints results, and exits."""

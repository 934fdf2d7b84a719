"""How the work is spread over workers."""

"""From files to validated pixels, block by block."""

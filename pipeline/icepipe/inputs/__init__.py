"""From files to validated pixels on the run grid."""

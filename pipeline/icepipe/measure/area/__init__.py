"""From class codes to square kilometres with bounds."""

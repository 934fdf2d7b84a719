"""How right a map is: points for people to label, and what their labels say."""

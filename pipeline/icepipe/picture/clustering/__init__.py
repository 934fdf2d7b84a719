"""Colours of a picture and their clusters."""

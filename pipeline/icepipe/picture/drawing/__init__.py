"""Figures and files of a segmented picture."""

"""Quicklooks, thumbnails and figures."""

"""Shares of ice, water and other ground in mixed pixels."""

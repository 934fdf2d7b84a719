"""Deliveries of satellite data: names, dates, bands, scaling, quality bits."""

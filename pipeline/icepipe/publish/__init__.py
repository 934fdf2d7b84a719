"""Files that users open, written from results: rasters, vectors, tables, images, reports and catalogues."""

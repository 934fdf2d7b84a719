"""Settings of the process: GDAL, memory, threads, compiled code, logging and signals."""

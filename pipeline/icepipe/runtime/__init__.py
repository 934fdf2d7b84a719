"""The process: GDAL settings, memory, threads, compiled code, logging, signals."""

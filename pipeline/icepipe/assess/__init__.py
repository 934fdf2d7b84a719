"""Accuracy assessment: draw reference points on a class map, and estimate accuracy and areas from their labels."""

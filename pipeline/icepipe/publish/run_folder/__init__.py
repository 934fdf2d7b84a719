"""What a run folder holds, how it was made, and whether it is whole."""

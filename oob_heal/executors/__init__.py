"""What carries heals to where they run, one file each; imported by full path."""

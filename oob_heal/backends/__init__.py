"""Where entries live, one file a store; imported by full path."""

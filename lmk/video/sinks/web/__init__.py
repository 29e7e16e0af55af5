"""Results as a page in a browser."""

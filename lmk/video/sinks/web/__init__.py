"""Show results as a page in browsers."""

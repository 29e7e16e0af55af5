"""A model as a page that finds landmarks in the visitor's own browser."""

"""The formulas behind the figures: points in, numbers out; `metrics/` applies and shows them."""

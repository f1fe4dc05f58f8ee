"""Render workers: processes that play many sessions each, and how the API process reaches them."""

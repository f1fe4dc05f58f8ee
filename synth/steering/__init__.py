"""Steering: the plan of a session, what the listener's signals may change in it, and the requests that follow."""

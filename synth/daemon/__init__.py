"""The daemon: many live sessions and batch renders as a service."""

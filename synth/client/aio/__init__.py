"""The client for programs of an event loop: what is sent and read is in the files beside this folder."""

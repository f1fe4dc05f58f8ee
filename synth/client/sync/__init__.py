"""The client for programs that wait for each answer: what is sent and read is in the files beside this folder."""

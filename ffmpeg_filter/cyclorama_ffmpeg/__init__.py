"""Files in, files out: still pictures, video, and the `cyclorama` command."""

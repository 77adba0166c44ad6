"""OBS filter: a script for OBS' own Python, its Lua part, and a shader. They need OBS and the standard library alone:
the work is done by the worker process (`cyclorama.live`). `cyclorama install obs` copies them to where OBS finds them.
"""

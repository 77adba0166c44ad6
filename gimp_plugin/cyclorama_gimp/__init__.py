"""GIMP 3 plug-in. It needs GIMP's own Python alone: the pictures' work is done by the worker process."""

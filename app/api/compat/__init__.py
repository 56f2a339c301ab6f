"""The unversioned desktop contract: translates names, units and statuses; holds no rule."""

"""A package, because its modules are named as those of the domain's tests are."""

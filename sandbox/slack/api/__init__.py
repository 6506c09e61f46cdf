"""The Web API methods, one module per family; each a function from world and arguments to the answer's fields."""

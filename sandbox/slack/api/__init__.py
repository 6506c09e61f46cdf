"""The Web API methods, one module per family. Each method takes the world and the arguments, and returns the fields."""

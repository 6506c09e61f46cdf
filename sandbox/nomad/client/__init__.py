"""The nodes' side: tasks that start, stay up or end, their events, their health and their logs."""

"""The paper venue: orders matched against prices somebody gave."""

"""Label events, their JSON-lines store, simulation from masks, target maps and what each label costs."""

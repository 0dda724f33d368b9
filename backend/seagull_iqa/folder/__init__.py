"""A folder of images scored into one table: resumed after a kill, without scoring anything twice."""

CAST(:"column" AS TEXT)

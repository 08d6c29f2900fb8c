CASE
  WHEN :"column" IS NULL THEN NULL
  WHEN CAST(printf('%!.15g', :"column") AS REAL) = :"column" THEN printf('%!.15g', :"column")
  WHEN CAST(printf('%!.16g', :"column") AS REAL) = :"column" THEN printf('%!.16g', :"column")
  ELSE printf('%!.17g', :"column")
END

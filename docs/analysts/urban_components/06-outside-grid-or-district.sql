-- 坐标不在登记网格或行政区内的部件
-- Components whose point, brought to CGCS2000, lies outside the grid of the register or outside their district.
SELECT object_id, grid_code, found_grid, in_grid, in_district
FROM urban_components.asset
WHERE NOT in_grid OR NOT in_district
ORDER BY object_id;

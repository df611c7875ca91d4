-- 民政与公安的户籍人口在哪些区不一致:可比街道数、不一致街道数、最大差额?
-- Where do 民政 and 公安 count registered residents differently: streets compared, streets that differ, largest difference?
SELECT division_code, stat_month, count(*) AS streets_compared, count_if(NOT agrees) AS streets_that_differ, max(abs(difference)) AS largest_difference
FROM population.department_agreement
WHERE reported_by = 'both' AND NOT withheld
GROUP BY division_code, stat_month
HAVING count_if(NOT agrees) > 0
ORDER BY division_code, stat_month;

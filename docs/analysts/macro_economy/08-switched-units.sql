-- 更换过计量单位的序列 / series that switched unit
SELECT indicator_code, concat_ws(', ', sort_array(collect_set(printed_unit))) AS printed_units, count_if(unit_state = 'undeclared') AS undeclared
FROM macro_economy.observation
WHERE measure IN ('month_value', 'cumulative_value')
GROUP BY indicator_code
HAVING count(DISTINCT printed_unit) > 1 OR count_if(unit_state = 'undeclared') > 0
ORDER BY indicator_code

-- 2016年税收收入与上年新办税务登记户数 / tax revenue of 2016 against taxpayers registered in the year before
SELECT stat_month, tax_revenue, tax_revenue_growth_pct, opened_last_year, opened_year_before
FROM macro_economy.revenue_and_firms
WHERE year(stat_month) = 2016
ORDER BY stat_month

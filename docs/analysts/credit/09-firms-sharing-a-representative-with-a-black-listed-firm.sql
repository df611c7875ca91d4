-- 与黑名单企业同一法定代表人的企业数，按行政区划（代表人仅为令牌，不展示）
-- Number of firms, by district, that share a legal representative (a token, never shown) with a black-listed firm
SELECT division_code, firms, firms_sharing FROM credit.shared_representative

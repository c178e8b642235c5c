UPDATE t SET a = 'changed', b = 'changed';

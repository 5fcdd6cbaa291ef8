import { expect, test } from 'vitest';
import { settingInstead, settingOf, templateValues } from '../../src/core/template-values.ts';

const identity = {
  podName: 'web-1',
  podNamespace: 'shop',
  instanceIp: '10.0.0.7',
  serviceAccount: 'web',
  metadata: { LABELS: { app: 'web' } },
};

test('a template is given who it is for and the paths of its launch', () => {
  const paths = { certificateFolder: '/run/certs/1', adminSocket: '/run/admin-L1.sock' };

  const values = templateValues(identity, new Map([['APP_PORT', '80']]), paths);

  expect(Object.fromEntries(values)).toEqual({
    NODE_ID: 'sidecar~10.0.0.7~web-1.shop~shop.svc.cluster.local',
    NODE_CLUSTER: 'web.shop',
    NODE_METADATA: { LABELS: { app: 'web' } },
    POD_NAME: 'web-1',
    POD_NAMESPACE: 'shop',
    INSTANCE_IP: '10.0.0.7',
    SERVICE_ACCOUNT: 'web',
    CERT_DIR: '/run/certs/1',
    ADMIN_SOCKET: '/run/admin-L1.sock',
    APP_PORT: '80',
  });
});

test('there is no CERT_DIR when there are no certificates', () => {
  expect(templateValues(identity, new Map(), { adminSocket: '/a' }).has('CERT_DIR')).toBe(false);
});

test('a value of the user goes before the node id made of the identity', () => {
  const values = templateValues(identity, new Map([['NODE_ID', 'mine']]), { adminSocket: '/a' });

  expect(values.get('NODE_ID')).toBe('mine');
});

test('a name of the agent is set by another setting than a name of the template', () => {
  expect(settingOf('POD_NAME')).toBe('POD_NAME');
  expect(settingOf('APP_PORT')).toBe('BATON_TEMPLATE_APP_PORT');
  expect(settingInstead('APP_PORT')).toBeUndefined();
});

// Who a caller of AWS is, and where it may be asked: decided from texts alone.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  canonicalArn,
  isStsHost,
  matchesPattern,
  parsePrincipal,
  stsEndpointOf,
} from '../../src/broker/auth/aws/principal.ts';
import { readIdentity } from '../../src/broker/auth/aws/relay.ts';
import { stsFor } from '../../src/broker/auth/aws/signed-request.ts';

describe('principals of IAM', () => {
  test('ARNs are read, and what is none is told', () => {
    const session = parsePrincipal('arn:aws-cn:sts::1:assumed-role/web/one');
    assert.equal(canonicalArn(session), 'arn:aws-cn:iam::1:role/web');
    assert.equal(canonicalArn(parsePrincipal('arn:aws:iam::1:user/a/b/ann')), 'arn:aws:iam::1:user/ann');
    for (const arn of [
      '',
      'a:b',
      'x:aws:iam::1:user/a',
      'arn:aws:s3::1:user/a',
      'arn:aws:iam::1:root',
      'arn:aws:sts::1:assumed-role/a',
      'arn:aws:iam::1:group/a',
    ]) {
      assert.throws(() => parsePrincipal(arn), arn);
    }
    assert.ok(matchesPattern('arn:aws:iam::1:role/a*', 'arn:aws:iam::1:role/ab'));
    assert.ok(!matchesPattern('arn:aws:iam::*:role/a', 'arn:aws:iam::1:role/a'));
  });

  test('the caller’s region decides where to ask only where the mount says so, and only among those of AWS', () => {
    const signed = (host: string, region: string): Parameters<typeof stsFor>[0] => ({
      host,
      body: '',
      headers: { authorization: [`AWS4-HMAC-SHA256 Credential=AKIA/20260101/${region}/sts/aws4_request, Signature=x`] },
    });
    const mine = { endpoint: 'https://sts.eu-west-1.amazonaws.com', useClientRegion: false };
    const theirs = { ...mine, useClientRegion: true };
    assert.equal(stsFor(signed('sts.amazonaws.com', 'us-west-2'), mine), mine.endpoint);
    assert.equal(
      stsFor(signed('sts.amazonaws.com', 'x'), { endpoint: '', useClientRegion: false }),
      'https://sts.amazonaws.com',
    );
    assert.equal(
      stsFor(signed('sts.us-west-2.amazonaws.com', 'us-west-2'), theirs),
      'https://sts.us-west-2.amazonaws.com',
    );
    for (const region of ['evil.example', 'us-west-2.evil', '169.254.169.254']) {
      assert.throws(() => stsFor(signed('sts.amazonaws.com', region), theirs), {
        message: `unable to get regional STS endpoint for region: ${region}`,
      });
    }
    assert.throws(() => stsFor({ ...signed('sts.amazonaws.com', 'x'), headers: {} }, theirs), {
      message: 'region missing from Authorization header',
    });
  });

  test('only regions and hosts of AWS are those of STS', () => {
    assert.equal(stsEndpointOf('eu-central-1'), 'https://sts.eu-central-1.amazonaws.com');
    assert.equal(stsEndpointOf('cn-north-1'), 'https://sts.cn-north-1.amazonaws.com.cn');
    assert.equal(stsEndpointOf('us-gov-west-1'), 'https://sts.us-gov-west-1.amazonaws.com');
    for (const region of ['', 'evil.example/', 'us-east-1.evil', 'us-east-1@evil', 'xx-east-1', 'aws-global']) {
      assert.equal(stsEndpointOf(region), undefined, region);
    }
    for (const host of [
      'sts.amazonaws.com',
      'sts.us-east-1.amazonaws.com',
      'sts-fips.us-gov-west-1.amazonaws.com',
      'vpce-0a1b-x.sts.eu-west-1.vpce.amazonaws.com',
      'sts.cn-north-1.amazonaws.com.cn',
    ]) {
      assert.ok(isStsHost(host), host);
    }
    for (const host of [
      'sts.evil.com',
      'iam.amazonaws.com',
      'sts.us-east-1.amazonaws.com.cn',
      'sts.us-east-1.amazonaws.com:1',
    ]) {
      assert.ok(!isStsHost(host), host);
    }
    assert.equal(readIdentity('<GetCallerIdentityResponse></GetCallerIdentityResponse>'), undefined);
  });
});

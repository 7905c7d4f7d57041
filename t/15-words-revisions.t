#!/usr/bin/perl

# proxyctl's words on revisions, settings, export and import, with and without a
# server.

use strict;
use warnings;
use Ctl;
use JSON::PP;
use Test::More;

plan skip_all => 'proxyctl is not built' unless -x ctl_program;
my $ctl = Ctl->new;
my $pass = $ctl->spew('pass', "a long passphrase\n");

$ctl->does('a provider', qw(providers create --name near --dialect openai-chat
    --base-url http://127.0.0.1:9/v1));
$ctl->does('a key', qw(keys add --provider near --api-key-file),
    $ctl->spew('key', "sk-words-0123456789abcdef\n"));
$ctl->does('a model', qw(models create --route-key fast --target-model m
    --provider near));

subtest 'revisions' => sub {
	my $out = $ctl->does('list', qw(revisions list));
	like($out, qr/^\s*4\s.*\(shell\).*add model fast/m, 'who, and what');
	like($out, qr/add key sk-w\*+cdef/, 'a key by its mask');
	$out = $ctl->does('show', qw(revisions show 3));
	like($out, qr/^  \+ key sk-w\*+cdef of near$/m, 'what was added');
	like($out, qr/^      value: secret, not shown$/m, 'no secret');
	unlike($out, qr/0123456789/, 'really not');
	$out = $ctl->does('dry run', qw(revisions rollback 3 --dry-run));
	like($out, qr/^  - model fast of near$/m, 'what would go');
	like($out, qr/nothing has/, 'and has not');
	$ctl->does('it is there', qw(models show fast));
	$out = $ctl->does('back', qw(revisions rollback 3));
	like($out, qr/revision 5/, 'a revision itself');
	$ctl->refused(qr/fast/, 'it is gone', qw(models show fast));
	$ctl->does('that undone', qw(revisions undo 5));
	$ctl->does('it is back', qw(models show fast));
	my $list = decode_json($ctl->does('JSON', qw(revisions list --json
	    --limit 2)));
	is_deeply([ map { "$_->{n} $_->{action} $_->{object}" } @$list ],
	    [ '6 undo 5', '5 roll back to 3' ], 'as JSON');
	$ctl->refused(qr/there is no revision 99/, 'none', qw(revisions show 99));
	$ctl->refused(qr/there is no revision 99/, 'none to go back to',
	    qw(revisions rollback 99));
	$ctl->refused(qr/'x' is no number of a revision/, 'no number',
	    qw(revisions undo x));
};

subtest 'settings' => sub {
	like($ctl->does('list', qw(settings list)),
	    qr/^LOG_DAYS\s+30\s+default\s+days that/m, 'a default');
	like($ctl->does('set', qw(settings set LOG_DAYS=7 KEEPALIVE=20s)),
	    qr/before app\.yml/, 'two at once');
	my %s = map { $_->{name} => $_ } @{ decode_json($ctl->does('JSON',
	    qw(settings list --json))) };
	is("$s{LOG_DAYS}{value} $s{LOG_DAYS}{source} $s{KEEPALIVE}{value}",
	    '7 database 20s', 'they are set');
	$ctl->refused(qr/RETRY_TRIES: expected a whole number from 1 to 8/,
	    'out of range', qw(settings set LOG_DAYS=8 RETRY_TRIES=9));
	$ctl->refused(qr/LOG_DAY: there is no such setting/, 'no such one',
	    qw(settings set LOG_DAY=8));
	$ctl->refused(qr/ALLOW_ANONYMOUS: .*app\.yml/, 'one that is fixed',
	    qw(settings set ALLOW_ANONYMOUS=true));
	$ctl->refused(qr/expected NAME=value/, 'no value',
	    qw(settings set LOG_DAYS));
	$ctl->does('reset', qw(settings reset LOG_DAYS));
	like($ctl->does('list', qw(settings list)),
	    qr/^LOG_DAYS\s+30\s+default/m, 'the default again');
};

subtest 'export and import' => sub {
	my $file = $ctl->dir . '/all.json';
	$ctl->does('export', 'export', $file, '--passphrase-file', $pass);
	is((stat $file)[2] & 07777, 0600, 'for its owner alone');
	my $text = Ctl::slurp($file);
	unlike($text, qr/0123456789/, 'no key to be read');
	$ctl->refused(qr/File exists/, 'nothing is overwritten', 'export',
	    $file, '--passphrase-file', $pass);
	$ctl->refused(qr/must have 10/, 'a short passphrase', 'export',
	    "$file.2", '--passphrase-file', $ctl->spew('short', 'short'));
	my $to = Ctl->new;
	$to->refused(qr/wrong, or the file is damaged/, 'a wrong passphrase',
	    'import', $file, '--passphrase-file', $ctl->spew('bad',
	    'another passphrase'));
	$to->refused(qr/is no export/, 'no export', 'import', $pass,
	    '--passphrase-file', $pass);
	my $out = $to->does('dry run', 'import', $file, '--passphrase-file',
	    $pass, '--dry-run');
	like($out, qr/^  \+ key sk-w\*+cdef of near$/m, 'what would come');
	$to->refused(qr/fast/, 'and has not', qw(models show fast));
	$out = $to->does('import', 'import', $file, '--passphrase-file',
	    $pass);
	like($out, qr/imported: it is revision/, 'done');
	$to->does('the model', qw(models show fast));
	like($to->does('the setting', qw(settings list)),
	    qr/^KEEPALIVE\s+20s\s+database/m, 'is there');
	like($to->does('again', 'import', $file, '--passphrase-file', $pass),
	    qr/so already/, 'a second time changes nothing');
	my @acts = map { $_->{action} } @{ decode_json($to->does('audit',
	    qw(audit --json))) };
	is($acts[0], 'import', 'audited');
};

subtest 'many keys are one revision' => sub {
	my ($before) = map { $_->{n} } @{ decode_json($ctl->does('list',
	    qw(revisions list --json --limit 1))) };
	$ctl->does('import', qw(keys import), $ctl->spew('keys', join '',
	    map { "sk-many-$_-0123456789\n" } 1 .. 5), qw(--provider near));
	my @all = @{ decode_json($ctl->does('list', qw(revisions list
	    --json))) };
	is("$all[0]{n} $all[0]{action} $all[0]{rows}", ($before + 1) .
	    ' import keys 5', 'one');
	$ctl->does('again, with one that is new', qw(keys import),
	    $ctl->spew('keys', join '', map { "sk-many-$_-0123456789\n" }
	    3 .. 6), qw(--provider near));
	@all = @{ decode_json($ctl->does('list', qw(revisions list --json))) };
	is("$all[0]{n} $all[0]{rows}", ($before + 2) . ' 1',
	    'those that were there do not spoil it');
	$ctl->does('undone', qw(revisions undo), $before + 1);
	is(scalar @{ decode_json($ctl->does('keys', qw(keys list --json))) },
	    2, 'all of them at once, but for the other');
};

done_testing;

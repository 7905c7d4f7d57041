#!/usr/bin/perl

# A provider that is silent within a stream: the client gets a sign of life, as
# its dialect has one, never within a frame, and none where clients break on it.

use strict;
use warnings;
use Client;
use Gateway;
use Scripts;
use Test::More;
use Upstream;

# Half of a stream, cut within a frame; silence; the rest.
my $up = Upstream->new(sub {
	my ($req) = @_;
	my ($head, @rest) = answer_for($req);
	return ($head, @rest) unless $head->[0] eq 'head';
	my $all = join '', map { $_->[0] eq 'drip' ? $_->[1] : () } @rest;
	my $at = int(length($all) * 0.62);
	return ($head, [chunk => substr $all, 0, $at], [sleep => 1.3],
	    [chunk => substr $all, $at], ['last']);
});
my $g = Gateway->new(config => config_for($up, "KEEPALIVE: 300ms\n"));
my $text = "Bonjour \xe4\xbd\xa0\xe5\xa5\xbd!";

my %path = (chat => '/v1/chat/completions', anthropic => '/v1/messages',
    gemini => '/v1beta/models/MODEL:streamGenerateContent?alt=sse');
my %alive = (chat => qr/: keep-alive\n\n/,
    anthropic => qr/event: ping\ndata: \{"type": "ping"\}\n\n/);

for my $d (sort keys %path) {
	for my $model (qw(gpt-4o claude-x gemini-x)) {
		my $path = $path{$d} =~ s/MODEL/$model/r;
		my $r = Client->once($g->port, POST => $path, {}, $d eq
		    'gemini' ? { contents => [ { parts => [ { text => 'x' }
		    ] } ] } : { model => $model, stream => \1,
		    max_tokens => 9, messages => [ { role => 'user',
		    content => 'x' } ] });
		my $name = "$d of $model";
		ok($r->{complete}, "$name: complete");
		if ($alive{$d}) {
			my $n = () = $r->{body} =~ /$alive{$d}/g;
			cmp_ok($n, '>=', 2, "pitfall-9: $name: signs of life");
			cmp_ok($n, '<=', 5, "$name: not too many");
		} else {
			unlike($r->{body}, qr/^:|\n:|ping/,
			    "$name: no sign of life");
		}
		my @broken = grep { !$_->{json} && $_->{data} ne '[DONE]' }
		    Client::events($r->{body});
		is(scalar @broken, 0, "$name: every frame is whole");
	}
}
$g->finish;

$g = Gateway->new(config => config_for($up, "KEEPALIVE: 0\n"));
my $r = Client->once($g->port, POST => $path{chat}, {}, { model => 'gpt-4o',
    stream => \1, stream_options => { include_usage => \1 }, messages => [ { role => 'user', content => 'x' } ] });
is($r->{body}, chat_sse(), 'none with KEEPALIVE: 0');
$g->finish;
done_testing;
